"""A simulated clinical chemistry analyzer, over ASTM or HL7."""
