//! The checklist: checks of a workspace, the manifest with its plan, and reports.
