"""Laboratory analyzers that speak ASTM: the E1381 link (CLSI LIS01), the E1394 records (CLSI LIS02), and what of them
tells of the equipment. Patients and their results are acknowledged as the protocol asks and dropped unread."""
