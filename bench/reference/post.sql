\set creator random(1, 100)
\set product random(1, :products)
BEGIN;
INSERT INTO ref.post (creator, text, at) VALUES (:creator, repeat('A text of usual length. ', 9), now()) RETURNING id AS post \gset
INSERT INTO ref.post_item (post, product, reason) VALUES (:post, :product, repeat('A reason of usual length. ', 4));
INSERT INTO ref.outbox (subject, kind, body) VALUES ('post:' || (:post)::bigint, 'RecommendationPublished', jsonb_build_object('post', (:post)::bigint));
COMMIT;
