//! What was looked at, or why it could not be.

/// What was looked at, or why it could not be. There is no "empty" in between: an empty list is one that
/// was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    /// It was looked at, whole unless the type says otherwise.
    Looked(T),
    /// It could not be.
    NotLooked(Unseen),
}

/// Why something could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// The cause.
    pub cause: Cause,
    /// The same for people, with what to do about it.
    pub told: String,
}

/// The cause of something's not having been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody asked for it.
    NotAsked,
    /// No key that is held may read it.
    Scope,
    /// The workspace's plan has it not, or is not paid.
    Plan,
    /// The edge in front of the API blocked the call.
    Edge,
    /// There is more of it than is looked at.
    TooMuch,
    /// Doorward does not run, or is not set up for it.
    NotHere,
    /// It was asked for and failed.
    Failed,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self::not(Cause::NotAsked, "it was not asked for")
    }
}

impl<T> Seen<T> {
    /// Something that could not be looked at.
    pub fn not(cause: Cause, told: impl Into<String>) -> Self {
        Self::NotLooked(Unseen {
            cause,
            told: told.into(),
        })
    }

    /// It, if it was looked at.
    pub fn looked(&self) -> Option<&T> {
        self.get().ok()
    }

    /// It, or why not.
    ///
    /// # Errors
    /// Why it could not be looked at.
    pub fn get(&self) -> Result<&T, &Unseen> {
        match self {
            Self::Looked(it) => Ok(it),
            Self::NotLooked(why) => Err(why),
        }
    }

    /// What is made of it, if it was looked at.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::Looked(it) => Seen::Looked(make(it)),
            Self::NotLooked(why) => Seen::NotLooked(why),
        }
    }
}

impl<T> From<T> for Seen<T> {
    fn from(it: T) -> Self {
        Self::Looked(it)
    }
}
