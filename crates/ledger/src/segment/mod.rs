//! Segment files: the write-ahead form of the log.
//!
//! A leaf is acknowledged once it is durable in a segment; tiles and entry bundles are built behind
//! from there. Everything here goes through [`Storage`], so that each single operation can be made
//! to fail in a test.

mod batch;
mod disk;
mod header;
mod reader;
mod storage;
mod writer;

pub use batch::{BATCH_HEADER_LEN, Batch, BatchHeader, MAX_BATCH_LEAVES, RECORD_HEADER_LEN};
pub(crate) use batch::{fill_checks, push_record};
pub use disk::Disk;
pub use header::{LogId, SEGMENT_HEADER_LEN, SegmentHeader};
pub(crate) use reader::Salvage;
pub use reader::{Broken, SegmentReader, Step};
pub use storage::{Storage, StoredFile, parent, read_all, replace};
pub(crate) use writer::{SegmentWriter, segment_path, segments};
