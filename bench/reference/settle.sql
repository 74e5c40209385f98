SELECT ref.settle(nextval('ref.settle_next'));
