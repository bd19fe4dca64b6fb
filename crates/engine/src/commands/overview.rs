//! Stretches of time: what the Overview and the charts show. Checks the bounds; the store adds up.

use api::{ApiError, CallFilter, GroupBy, Meter, Overview, Series};

use super::{LONGEST_SPAN_MS, internal};
use crate::Engine;

const MOST_INTERVALS: usize = 400;

impl Engine {
    pub(super) async fn series(
        &self,
        filter: &CallFilter,
        bounds_ms: &[i64],
        group: Option<GroupBy>,
    ) -> Result<Series, ApiError> {
        check(bounds_ms)?;
        self.inner.store.series(filter, bounds_ms, group).await.map_err(internal)
    }

    pub(super) async fn meter(&self, bounds_ms: &[i64]) -> Result<Meter, ApiError> {
        check(bounds_ms)?;
        self.inner.store.meter(bounds_ms).await.map_err(internal)
    }

    pub(super) async fn overview(&self, bounds_ms: &[i64]) -> Result<Overview, ApiError> {
        check(bounds_ms)?;
        let overview = self.inner.store.overview(bounds_ms).await.map_err(internal)?;
        Ok(Overview { price_date: self.inner.prices.now().date().to_owned(), ..overview })
    }
}

fn check(bounds_ms: &[i64]) -> Result<(), ApiError> {
    let wrong = |what: &str| Err(ApiError::parameter("bounds_ms", what));
    if !(2..=MOST_INTERVALS + 1).contains(&bounds_ms.len()) {
        return wrong("bounds_ms must have 2 to 401 instants");
    }
    if !bounds_ms.is_sorted_by(|one, next| one < next) {
        return wrong("bounds_ms must rise");
    }
    let span = bounds_ms.last().zip(bounds_ms.first()).and_then(|(last, first)| last.checked_sub(*first));
    match span {
        Some(span) if span <= LONGEST_SPAN_MS => Ok(()),
        _ => wrong("bounds_ms must lie within a thousand years"),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn bounds_rise_and_are_not_too_many() {
        assert!(check(&[1, 2]).is_ok());
        let many: Vec<i64> = (0..=401).collect();
        assert!(check(&many[..401]).is_ok());
        for wrong in [&[][..], &[1], &[1, 1], &[2, 1], &many, &[i64::MIN, i64::MAX]] {
            assert_eq!(check(wrong).unwrap_err().parameter.as_deref(), Some("bounds_ms"));
        }
    }
}
