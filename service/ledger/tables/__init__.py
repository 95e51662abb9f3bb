"""Which tables are there? Shelved by what they keep; `ledger.schema` names all of them."""
