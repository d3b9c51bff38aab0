"""`steth doctor`: looks at every part of an installation and says of each what is wrong and what to do."""
