//! Leak detectors, and the engine over trees and git history. No async.
