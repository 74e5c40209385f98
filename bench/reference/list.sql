\set n random(1, :products - 20)
SELECT p.id, p.title, p.shop, p.published, s.price, s.stock - s.reserved AS remaining FROM (SELECT * FROM ref.product WHERE state = 'on_sale' AND (published, id) <= ((SELECT published FROM ref.product WHERE id = :n), :n) ORDER BY published DESC, id DESC LIMIT 20) p JOIN ref.sku s ON s.product = p.id ORDER BY p.published DESC, p.id DESC;
