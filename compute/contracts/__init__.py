"""What each feed must look like: one file per dataset, its fields, key and row rules."""
