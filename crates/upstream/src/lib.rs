//! Client library of the Instantly API v2.
