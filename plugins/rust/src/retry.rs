use std::time::{Duration, SystemTime};

use aws_smithy_types::date_time::{DateTime, Format};
use aws_smithy_types::retry::RetryConfig;

/// The SDK's delay before the attempt that follows this many.
pub(crate) fn delay(config: &RetryConfig, attempts: u32) -> Duration {
    let longest = config.initial_backoff().as_secs_f64() * 2f64.powi(attempts.saturating_sub(1).min(62) as i32);
    config.max_backoff().min(Duration::from_secs_f64(longest)).mul_f64(fastrand::f64())
}

/// What `Retry-After` asks for: a number of seconds, or a date.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = SystemTime::try_from(DateTime::from_str(value, Format::HttpDate).ok()?).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays() {
        let config = RetryConfig::standard();
        for attempts in [1, 2, 3, 40, u32::MAX] {
            assert!(delay(&config, attempts) <= config.max_backoff());
        }
        assert!(delay(&config, 1) <= config.initial_backoff());
    }

    #[test]
    fn header() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after("3", now), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("99999999999999999999", now), Some(Duration::from_secs(u64::MAX)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:42 GMT", now), Some(Duration::from_secs(5)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("", now), None);
    }
}
