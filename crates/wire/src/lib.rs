//! What every door has in common: connections and heads, bounded before anything reads them.
//!
//! A door accepts as many connections as it has room for ([`crowd`]), looks at each head as it is on
//! the wire ([`head_guard`]), and waits for nobody who is too slow ([`credit`], [`stall`]).

pub mod credit;
pub mod crowd;
pub mod head_guard;
pub mod protocol;
pub mod raw_head;
pub mod stall;
pub mod tls;
