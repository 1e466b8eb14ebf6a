package io.github.awstokenserver;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.model.AssumeRoleWithWebIdentityResponse;
import software.amazon.awssdk.services.sts.model.Credentials;
import software.amazon.awssdk.utils.Logger;
import software.amazon.awssdk.utils.SdkAutoCloseable;
import software.amazon.awssdk.utils.cache.CachedSupplier;
import software.amazon.awssdk.utils.cache.NonBlocking;
import software.amazon.awssdk.utils.cache.RefreshResult;

/** Credentials of a role, for tokens of a token server. They are kept, and renewed ahead of their expiry. */
final class RoleCredentialsProvider implements AwsCredentialsProvider, SdkAutoCloseable {
    private static final Logger LOG = Logger.loggerFor(RoleCredentialsProvider.class);
    private static final Duration RETRIEVAL = Duration.ofMinutes(3);
    private static final String HINT =
        "compare the role's trust policy and the account's identity provider with these values";
    private static final Pattern ARN = Pattern.compile("arn:[^:]+:[^:]+:[^:]*:([^:]+):.+");

    /** As in the SDK's providers for STS. */
    private static final Duration STALE_BEFORE_EXPIRY = Duration.ofMinutes(1);
    private static final Duration PREFETCH_BEFORE_EXPIRY = Duration.ofMinutes(5);
    private static final Duration BETWEEN_FAILED_RENEWALS = Duration.ofMinutes(1);

    private final Setting setting;
    private final TokenServer tokenServer;
    private final StsClient sts;
    private final CachedSupplier<AwsSessionCredentials> cache;

    private CompletableFuture<RefreshResult<AwsSessionCredentials>> renewal;
    private volatile AwsSessionCredentials current;
    private volatile TokenServerException refused;

    /**
     * @throws TokenServerException if the setting can never work as it is written
     */
    RoleCredentialsProvider(Setting setting, boolean renewsInBackground) {
        this.setting = setting;
        try {
            this.tokenServer = TokenServer.parse(setting.value());
        } catch (TokenServerException e) {
            throw e.in(setting.name());
        }
        this.sts = StsClients.create(null, AnonymousCredentialsProvider.create());
        CachedSupplier.Builder<AwsSessionCredentials> builder =
            CachedSupplier.builder(this::renew).cachedValueName("token server credentials");
        if (renewsInBackground) {
            builder.prefetchStrategy(new NonBlocking("token-server-credentials"));
        }
        this.cache = builder.build();
    }

    @Override
    public AwsCredentials resolveCredentials() {
        AwsSessionCredentials credentials = cache.get();
        TokenServerException failure = refused;
        if (failure != null) {
            throw failure;
        }
        return credentials;
    }

    /** Begins a renewal or joins the one that runs, which no caller ends for the others. */
    private RefreshResult<AwsSessionCredentials> renew() {
        CompletableFuture<RefreshResult<AwsSessionCredentials>> joined;
        synchronized (this) {
            if (renewal == null || renewal.isDone()) {
                renewal = CompletableFuture.supplyAsync(this::tryToRenew, task -> {
                    Thread thread = new Thread(task, "token-server-renewal");
                    thread.setDaemon(true);
                    thread.start();
                });
            }
            joined = renewal;
        }
        try {
            return joined.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException) {
                throw (RuntimeException) e.getCause();
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AbortedException.create("the thread that waits for credentials was interrupted", e);
        }
    }

    private RefreshResult<AwsSessionCredentials> tryToRenew() {
        AwsSessionCredentials before = current;
        try {
            AwsSessionCredentials renewed = exchange();
            current = renewed;
            refused = null;
            Instant expiry = renewed.expirationTime().orElse(Instant.MAX);
            return RefreshResult.builder(renewed).staleTime(expiry.minus(STALE_BEFORE_EXPIRY))
                                .prefetchTime(expiry.minus(PREFETCH_BEFORE_EXPIRY)).build();
        } catch (TokenServerException e) {
            TokenServerException failure = e.in(setting.name());
            Instant now = Instant.now();
            boolean inUse = before != null && now.isBefore(before.expirationTime().orElse(Instant.MAX));
            if (inUse && failure.leavesCredentialsInUse()) {
                LOG.warn(() -> "credentials could not be renewed yet: " + failure.getMessage());
                return RefreshResult.builder(before).staleTime(before.expirationTime().orElse(Instant.MAX))
                                    .prefetchTime(now.plus(BETWEEN_FAILED_RENEWALS)).build();
            }
            refused = inUse ? failure : null; // the cache throws it itself where there is nothing in use
            throw failure;
        }
    }

    /** Exchanges a fresh token for credentials, and further ones where STS may take another. */
    private AwsSessionCredentials exchange() {
        long deadline = System.nanoTime() + RETRIEVAL.toNanos();
        Retries retries = new Retries(deadline);
        WebToken token = tokenServer.token(deadline);
        for (boolean hadExpired = false;;) {
            try {
                return assumeRole(token, deadline);
            } catch (TokenServerException e) {
                throw e;
            } catch (RuntimeException e) {
                boolean expired = StsFailure.isTokenExpired(e);
                boolean again = expired ? !hadExpired
                                        : StsFailure.isTokenInvalid(e) && retries.waitForNext(Duration.ZERO);
                WebToken next = again ? tokenServer.token(deadline) : null;
                if (next == null || expired && next.value().equals(token.value())) {
                    throw StsFailure.of(e, setting.roleArn(), token.describe(), HINT, token.secrets());
                }
                token = next;
                hadExpired |= expired;
            }
        }
    }

    private AwsSessionCredentials assumeRole(WebToken token, long deadline) {
        Duration left = Duration.ofNanos(Math.max(deadline - System.nanoTime(), 1));
        AssumeRoleWithWebIdentityResponse response = sts.assumeRoleWithWebIdentity(
            request -> request.roleArn(setting.roleArn()).roleSessionName(setting.sessionName())
                              .webIdentityToken(token.value()).overrideConfiguration(o -> o.apiCallTimeout(left)));
        Credentials issued = response.credentials();
        if (issued == null || issued.accessKeyId() == null || issued.secretAccessKey() == null
            || issued.sessionToken() == null || issued.expiration() == null) {
            throw TokenServerException.of(
                ErrorClass.STS_UNAVAILABLE,
                "STS responded for role " + setting.roleArn() + " without complete credentials");
        }
        AwsSessionCredentials.Builder credentials =
            AwsSessionCredentials.builder().accessKeyId(issued.accessKeyId()).secretAccessKey(issued.secretAccessKey())
                                 .sessionToken(issued.sessionToken()).expirationTime(issued.expiration());
        if (response.assumedRoleUser() != null && response.assumedRoleUser().arn() != null) {
            Matcher arn = ARN.matcher(response.assumedRoleUser().arn());
            credentials.accountId(arn.matches() ? arn.group(1) : null);
        }
        return credentials.build();
    }

    @Override
    public void close() {
        cache.close();
        sts.close();
    }
}
