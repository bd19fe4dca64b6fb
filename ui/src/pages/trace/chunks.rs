//! The pieces of a stream on a time line: bytes for each stretch, and where it stalled. Pure.

use api::ChunkTiming;

/// A gap counts as a stall from here on, however evenly the rest flows.
const STALL_US: u64 = 1_000_000;
/// A stall is this many times the usual gap.
const TIMES_MEDIAN: u64 = 10;

/// A gap in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    pub from_us: u64,
    pub to_us: u64,
}

/// Bytes that arrived in each of `count` equal stretches up to `end_us`.
pub fn bins(chunks: &[ChunkTiming], end_us: u64, count: usize) -> Vec<u64> {
    let mut bins = vec![0; count];
    for chunk in chunks {
        let at = u128::from(chunk.at_us.min(end_us)) * count as u128 / u128::from(end_us.max(1));
        let at = usize::try_from(at).unwrap_or(usize::MAX).min(count.saturating_sub(1));
        if let Some(bin) = bins.get_mut(at) {
            *bin += u64::from(chunk.bytes);
        }
    }
    bins
}

/// Gaps longer than a second and than ten times the usual gap.
pub fn stalls(chunks: &[ChunkTiming]) -> Vec<Stall> {
    let gap = |pair: &[ChunkTiming]| match pair {
        [first, second] => second.at_us.saturating_sub(first.at_us),
        _ => 0,
    };
    let mut gaps: Vec<u64> = chunks.windows(2).map(gap).collect();
    gaps.sort_unstable();
    let Some(median) = gaps.get(gaps.len() / 2) else {
        return Vec::new();
    };
    let limit = STALL_US.max(median.saturating_mul(TIMES_MEDIAN));
    let long = chunks.windows(2).filter(|pair| gap(pair) > limit);
    long.filter_map(|pair| Some(Stall { from_us: pair.first()?.at_us, to_us: pair.last()?.at_us })).collect()
}

/// When each event of a stream arrived: the time of the piece that holds its beginning.
/// `None` unless the pieces' bytes are the body's bytes, which compression and cutting prevent.
pub fn event_times(starts: &[u64], chunks: &[ChunkTiming], body_bytes: u64) -> Option<Vec<u64>> {
    let total: u64 = chunks.iter().map(|chunk| u64::from(chunk.bytes)).sum();
    if total != body_bytes {
        return None;
    }
    let mut rest = chunks.iter();
    let (mut end, mut at) = (0, 0);
    let times = starts.iter().map(|start| {
        while end <= *start {
            let Some(chunk) = rest.next() else { break };
            end += u64::from(chunk.bytes);
            at = chunk.at_us;
        }
        at
    });
    Some(times.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(times: &[u64]) -> Vec<ChunkTiming> {
        times.iter().map(|at_us| ChunkTiming { at_us: *at_us, bytes: 10 }).collect()
    }

    #[test]
    fn bytes_fall_into_their_stretch() {
        assert_eq!(bins(&flow(&[0, 10, 99, 100]), 100, 2), [20, 20]);
        assert_eq!(bins(&[], 0, 3), [0, 0, 0]);
    }

    #[test]
    fn a_stall_is_long_in_itself_and_beside_the_others() {
        let steady: Vec<u64> = (0..20).map(|step| step * 50_000).collect();
        assert_eq!(stalls(&flow(&steady)), []);
        let mut stalled = steady;
        stalled.push(950_000 + 1_900_000);
        assert_eq!(stalls(&flow(&stalled)), [Stall { from_us: 950_000, to_us: 2_850_000 }]);
        let slow: Vec<u64> = (0..20).map(|step| step * 2_000_000).collect();
        assert_eq!(stalls(&flow(&slow)), [], "slow is not stalled");
    }

    #[test]
    fn events_have_the_time_of_the_piece_they_begin_in() {
        let chunks = flow(&[100, 200, 300]);
        assert_eq!(event_times(&[0, 9, 10, 25], &chunks, 30), Some(vec![100, 100, 200, 300]));
        assert_eq!(event_times(&[0], &chunks, 31), None, "compressed");
    }
}
