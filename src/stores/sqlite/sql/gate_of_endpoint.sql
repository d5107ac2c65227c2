-- What the lane of an endpoint without one is made of.
SELECT tenant, url, width FROM hookpost_endpoint WHERE id = ?1
