INSERT INTO ref.click (token, creator, shop, at, nonce) SELECT n, n % 5000, n % 100, now(), md5(n::text) FROM generate_series(1, 100) n;
