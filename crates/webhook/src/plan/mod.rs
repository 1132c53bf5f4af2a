//! When to try again: what an answer means, how long to wait, when to leave a destination alone.

mod answer;
mod breaker;
mod rate;
mod retry;

pub use answer::{Answered, judge, retry_after};
pub use breaker::{Breaker, BreakerChange, BreakerSettings, Leave};
pub use rate::Rate;
pub use retry::{PlanFault, RetryPlan};
