\set sku random(1, :products)
\set buyer random(1, 100000)
\set key random(1, 9000000000000000)
SELECT ref.place(:key::text, :sku, :buyer, 1);
