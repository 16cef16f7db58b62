"""What a retailer exports, read, checked and loaded; `FEEDS` says what fits, `import_feed` takes it in."""
