//! Policies to begin with.

/// A policy that is shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether names or ids are to be put in before it is of use.
    pub to_fill_in: bool,
}

macro_rules! presets {
    ($($name:literal, $about:literal, $fill:literal;)*) => {
        /// The policies that are shipped.
        pub const PRESETS: &[Preset] = &[$(Preset {
            name: $name,
            about: $about,
            text: include_str!(concat!("../data/presets/", $name, ".cedar")),
            to_fill_in: $fill,
        }),*];
    };
}

presets! {
    "dangerous-acts", "sending, deleting in bulk and changes of ownership wait for a person's approval", false;
    "office-hours", "changes on working days from 7 to 18 o'clock UTC alone", false;
    "small-batches", "at most 100 leads a call and 5,000 a day", false;
    "own-campaigns", "one client, and no campaigns but its own", true;
    "own-network", "production from the team's own networks alone", true;
}
