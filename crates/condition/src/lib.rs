//! Conditions beyond grants: policies in Cedar over the operations of the catalog.
