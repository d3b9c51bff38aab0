"""What every route rests on: one request is one transaction, rights, problems, paging, idempotency, languages."""
