package io.github.awstokenserver;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.retries.api.AcquireInitialTokenRequest;
import software.amazon.awssdk.retries.api.RefreshRetryTokenRequest;
import software.amazon.awssdk.retries.api.RefreshRetryTokenResponse;
import software.amazon.awssdk.retries.api.RetryStrategy;
import software.amazon.awssdk.retries.api.RetryToken;
import software.amazon.awssdk.retries.api.TokenAcquisitionFailedException;

/** The attempts and delays that the SDK's settings ask for, with a quota that no client shares. */
final class Retries {
    private final RetryStrategy strategy;
    private final long deadline;
    private RetryToken token;

    /**
     * @param deadline a {@link System#nanoTime()} at which no other attempt may begin
     */
    @SuppressWarnings("deprecation") // of the older adaptive mode, whose adapter needs a request of the SDK
    Retries(long deadline) {
        RetryMode mode = RetryMode.defaultRetryMode();
        strategy = AwsRetryStrategy.forRetryMode(mode == RetryMode.ADAPTIVE ? RetryMode.ADAPTIVE_V2 : mode);
        token = strategy.acquireInitialToken(AcquireInitialTokenRequest.create("token-server")).token();
        this.deadline = deadline;
    }

    /** Waits for the next attempt, at least so long. It returns false at once if there is no next attempt. */
    boolean waitForNext(Duration atLeast) {
        Duration delay;
        try {
            RefreshRetryTokenResponse next = strategy.refreshRetryToken(
                RefreshRetryTokenRequest.builder().token(token).failure(RetryableException.create("")).build());
            token = next.token();
            delay = next.delay().compareTo(atLeast) > 0 ? next.delay() : atLeast;
        } catch (TokenAcquisitionFailedException e) {
            return false;
        }
        Duration left = Duration.ofNanos(deadline - System.nanoTime());
        if (delay.compareTo(left) >= 0) {
            return false;
        }
        try {
            TimeUnit.NANOSECONDS.sleep(delay.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AbortedException.create("the thread that waits for credentials was interrupted", e);
        }
        return true;
    }
}
