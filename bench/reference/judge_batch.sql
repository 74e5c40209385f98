\set actor random(1, 5000)
INSERT INTO ref.judged (kind, subject, actor, features, outcome, fired, at) SELECT 'text', n, :actor, '{"length": 220, "links": 2, "surface": "comment", "language": "zh", "actor_age_days": 300, "links_blocked": 0, "strong_terms": 0, "weak_terms": 1, "repeats_day": 1}', 'allow', NULL, now() FROM generate_series(1, 500) n;
