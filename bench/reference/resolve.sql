\set n random(1, :tokens)
SELECT creator, product, title, price, stock, expires, state FROM ref.token WHERE code = upper(md5(:n::text));
