//! What the Instantly API v2 is: operations, scopes and their algebra, wire types, limits. Pure facts.
