package io.github.awstokenserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.services.sts.model.StsException;

@Timeout(60)
class TokenServerCredentialsProviderTest {
    private static final String ROLE = "arn:aws:iam::123456789012:role/deploy";
    private static final Duration HOUR = Duration.ofHours(1);
    /** Within the time in which credentials are renewed ahead of their expiry, whatever the SDK's jitter. */
    private static final Duration SOON = Duration.ofSeconds(115);

    private final TestServer server = new TestServer();

    @BeforeEach
    void set() {
        System.setProperty("aws.endpointUrlSts", server.url());
        System.setProperty("aws.maxAttempts", "2");
    }

    @AfterEach
    void clear() {
        server.close();
        List.of("aws.endpointUrlSts", "aws.maxAttempts", "aws.webIdentityTokenServer", "aws.webIdentityTokenFile",
            "aws.roleArn",
                "aws.roleSessionName", "aws.accessKeyId", "aws.secretAccessKey",
                    "aws.retryMode").forEach(System::clearProperty);
    }

    private static TokenServerCredentialsProvider of(String profile, String config) {
        ProfileFile file = ProfileFile.builder().type(ProfileFile.Type.CONFIGURATION)
                                      .content(new ByteArrayInputStream(config.getBytes(StandardCharsets.UTF_8)))
                                          .build();
        return TokenServerCredentialsProvider.builder().profileName(profile).profileFile(() -> file).build();
    }

    private TokenServerCredentialsProvider web() {
        return of("web", "[profile web]\nrole_arn=" + ROLE + "\nweb_identity_token_server=" + server.document());
    }

    private static TokenServerException failure(TokenServerCredentialsProvider provider) {
        return assertThrows(TokenServerException.class, provider::resolveCredentials);
    }

    private static Instant in(Duration time) {
        return Instant.now().plus(time);
    }

    @Test
    void exchangesATokenForARole() {
        server.token(200, TestServer.TOKEN).credentials("AKID1", in(HOUR));
        try (TokenServerCredentialsProvider provider = web()) {
            AwsCredentials credentials = provider.resolveCredentials();
            assertEquals("AKID1", credentials.accessKeyId());
            assertEquals("123456789012", credentials.accountId().orElseThrow());
            assertEquals("AKID1", provider.resolveCredentials().accessKeyId());
        }
        assertEquals(List.of("Bearer s3cr3t-of-the-request "), server.tokenRequests);
        assertEquals(1, server.stsRequests.size());
        assertTrue(server.stsRequests.get(0).startsWith("null Action=AssumeRoleWithWebIdentity"),
            server.stsRequests.get(0));
    }

    @Test
    void takesItsSettingFromSystemProperties() {
        server.token(200, TestServer.TOKEN).credentials("AKID1", in(HOUR));
        System.setProperty("aws.webIdentityTokenServer", server.document());
        assertTrue(failure(TokenServerCredentialsProvider.create()).getMessage().startsWith(
            "the system property aws.webIdentityTokenServer: AWS_ROLE_ARN is not set"));
        System.setProperty("aws.roleArn", ROLE);
        System.setProperty("aws.roleSessionName", "the-session");
        assertEquals("AKID1", TokenServerCredentialsProvider.create().resolveCredentials().accessKeyId());
        assertTrue(server.stsRequests.get(0).contains("RoleSessionName=the-session"));
        System.setProperty("aws.webIdentityTokenFile", "/nowhere");
        assertTrue(failure(TokenServerCredentialsProvider.create()).getMessage()
            .contains("AWS_WEB_IDENTITY_TOKEN_FILE is set too"));
    }

    @Test
    void prefersKeysInSystemProperties() {
        System.setProperty("aws.webIdentityTokenServer", "wrong");
        System.setProperty("aws.accessKeyId", "AKIDKEYS");
        System.setProperty("aws.secretAccessKey", "secret");
        assertEquals("AKIDKEYS", TokenServerCredentialsProvider.create().resolveCredentials().accessKeyId());
    }

    @Test
    void doesNotGoOnToOtherCredentials() {
        server.token(401, "");
        String keys = "[default]\naws_access_key_id=AKIDOTHER\naws_secret_access_key=x";
        assertEquals("AKIDOTHER", of(null, keys).resolveCredentials().accessKeyId());
        System.setProperty("aws.webIdentityTokenServer", server.document());
        System.setProperty("aws.roleArn", ROLE);
        assertEquals(ErrorClass.TOKEN_REFUSED, failure(of(null, keys)).errorClass());
        System.clearProperty("aws.webIdentityTokenServer");
        System.setProperty("aws.webIdentityTokenFile", "/nowhere");
        assertThrows(SdkClientException.class, of(null, keys)::resolveCredentials);
    }

    @Test
    void leavesOtherProfilesToTheSdk() {
        String config = "[profile keys]\naws_access_key_id=AKIDKEYS\naws_secret_access_key=x\n"
            + "[profile none]\nregion=us-east-1\n[profile loop]\nrole_arn=" + ROLE + "\nsource_profile=loop";
        assertEquals("AKIDKEYS", of("keys", config).resolveCredentials().accessKeyId());
        for (String profile : List.of("none", "missing", "loop")) {
            RuntimeException e = assertThrows(RuntimeException.class, of(profile, config)::resolveCredentials);
            assertFalse(e instanceof TokenServerException, profile);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "web_identity_token_server=GitHub;web_identity_token_file=x;role_arn=r | has web_identity_token_file too",
        "web_identity_token_server=GitHub                                      | the profile has no role_arn",
        "web_identity_token_server=GitHub;role_arn=;aws_access_key_id=x        | the profile has no role_arn",
        "web_identity_token_server=github;role_arn=r                           | write GitHub"})
    void refusesProfiles(String lines, String problem) {
        TokenServerException e = failure(of("web", "[profile web]\n" + lines.replace(';', '\n')));
        assertEquals(ErrorClass.CONFIG_INVALID, e.errorClass());
        assertTrue(e.getMessage().startsWith("web_identity_token_server of the profile \"web\": "), e.getMessage());
        assertTrue(e.getMessage().contains(problem), e.getMessage());
    }

    @Test
    void assumesTheRolesOfAChain() {
        server.token(200, TestServer.TOKEN).credentials("AKID1", in(HOUR)).credentials("AKID2", in(HOUR))
              .refusal(403, "AccessDenied", "no");
        String config = "[profile web]\nrole_arn=" + ROLE + "\nweb_identity_token_server=" + server.document()
            + "\n[profile second]\nrole_arn=arn:second\nsource_profile=web\nexternal_id=ext\n"
            + "[profile third]\nrole_arn=arn:third\nsource_profile=second";
        TokenServerException denied = failure(of("third", config));
        assertEquals(ErrorClass.ROLE_DENIED, denied.errorClass());
        assertTrue(denied.getMessage().startsWith("the profile \"third\": STS denied role arn:third"),
            denied.getMessage());
        assertTrue(server.stsRequests.get(1).contains("Credential=AKID1/"), server.stsRequests.get(1));
        assertTrue(server.stsRequests.get(1).contains("RoleArn=arn%3Asecond"));
        assertTrue(server.stsRequests.get(1).contains("ExternalId=ext"));
        assertTrue(server.stsRequests.get(2).contains("Credential=AKID2/"));
    }

    @Test
    void namesTheSourceProfileThatFails() {
        server.token(200, "").credentials("AKID1", in(HOUR));
        TokenServerException e = failure(of("second", "[profile web]\nrole_arn=" + ROLE + "\nweb_identity_token_server="
            + server.document() + "\n[profile second]\nrole_arn=arn:second\nsource_profile=web"));
        assertEquals(ErrorClass.TOKEN_MALFORMED, e.errorClass());
        assertTrue(e.getMessage().startsWith("web_identity_token_server of the profile \"web\": "), e.getMessage());
    }

    @Test
    void asksAnUnavailableTokenServerAgain() {
        server.token(503, "one").token(200, TestServer.TOKEN).credentials("AKID1", in(HOUR));
        assertEquals("AKID1", web().resolveCredentials().accessKeyId());
        assertEquals(2, server.tokenRequests.size());
    }

    @ParameterizedTest
    @CsvSource({"standard", "legacy", "adaptive"})
    void asksAsOftenAsTheSdkWould(String mode) {
        System.setProperty("aws.retryMode", mode);
        server.token(503, "s3cr3t-of-the-request").sts(500, "");
        TokenServerException e = failure(web());
        assertEquals(ErrorClass.TOKEN_UNAVAILABLE, e.errorClass());
        assertTrue(e.getMessage().contains("127.0.0.1 responded with 503 (response body withheld"), e.getMessage());
        assertEquals(2, server.tokenRequests.size());
    }

    @Test
    void doesNotUseUpAQuotaOfRetries() {
        server.token(503, "").sts(500, "");
        TokenServerCredentialsProvider provider = web();
        for (int i = 0; i < 150; i++) {
            failure(provider);
        }
        assertEquals(300, server.tokenRequests.size());
    }

    @Test
    void exchangesOnceMoreForAnExpiredToken() {
        server.token(200, "first").token(200, "second").token(200, "third");
        server.refusal(400, "ExpiredTokenException", "expired").refusal(400, "ExpiredTokenException", "expired")
              .credentials("AKID1", in(HOUR));
        assertEquals(ErrorClass.ROLE_DENIED, failure(web()).errorClass());
        assertEquals(2, server.stsRequests.size());
    }

    @Test
    void doesNotExchangeTheSameExpiredTokenAgain() {
        server.token(200, "same").refusal(400, "ExpiredToken", "expired");
        assertEquals(ErrorClass.ROLE_DENIED, failure(web()).errorClass());
        assertEquals(1, server.stsRequests.size());
    }

    @Test
    void exchangesAnInvalidTokenAsOftenAsTheSdkMakesAttempts() {
        System.setProperty("aws.maxAttempts", "4");
        server.token(200, "same").refusal(400, "InvalidIdentityToken", "Couldn't retrieve verification key");
        assertEquals(ErrorClass.ROLE_DENIED, failure(web()).errorClass());
        assertEquals(4, server.stsRequests.size());
        assertEquals(4, server.tokenRequests.size());
    }

    @ParameterizedTest
    @CsvSource({
        "403, <html>no</html>, STS_UNAVAILABLE", "302, '', STS_UNAVAILABLE", "429, '', STS_UNAVAILABLE",
            "200, junk, STS_UNAVAILABLE",
        "200, <A><B></B></A>, STS_UNAVAILABLE", "200, '', STS_UNAVAILABLE", "500, <html>, STS_UNAVAILABLE",
        "400, <ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>, STS_UNAVAILABLE",
        "400, <ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>, STS_UNAVAILABLE",
        "403, <ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>, ROLE_DENIED",
        "400, <ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>, CONFIG_INVALID",
        "403, <ErrorResponse><Error><Code>RegionDisabledException</Code></Error></ErrorResponse>, CONFIG_INVALID"})
    void classifiesTheResponsesOfSts(int status, String body, ErrorClass errorClass) {
        server.token(200, TestServer.TOKEN).sts(status, body);
        TokenServerException e = failure(web());
        assertEquals(errorClass, e.errorClass(), e.getMessage());
        assertTrue(e.getMessage().contains(ROLE), e.getMessage());
    }

    @Test
    void doesNotRepeatATokenThatStsRepeats() {
        server.token(200, TestServer.TOKEN).refusal(403, "AccessDenied", "not " + TestServer.TOKEN.replace(".", " . "));
        TokenServerException e = failure(web());
        assertTrue(e.getMessage().contains(
            "to a token with iss \"https://iss\", sub \"s\", aud \"a\": AccessDenied; compare"), e.getMessage());
        assertNull(e.getCause());
    }

    @Test
    void keepsTheSdksExceptionAsCause() {
        server.token(200, TestServer.TOKEN).refusal(403, "AccessDenied", "no");
        TokenServerException e = failure(web());
        assertInstanceOf(StsException.class, e.getCause());
        assertTrue(e.getMessage().contains(": AccessDenied: no; compare the role's trust policy"), e.getMessage());
    }

    @Test
    void renewsAheadOfExpiry() {
        server.token(200, TestServer.TOKEN).credentials("AKID1", in(SOON)).credentials("AKID2", in(HOUR));
        TokenServerCredentialsProvider provider = web();
        assertEquals("AKID1", provider.resolveCredentials().accessKeyId());
        assertEquals("AKID2", provider.resolveCredentials().accessKeyId());
        assertEquals(2, server.tokenRequests.size());
    }

    @Test
    void keepsCredentialsInUseWhileTheTokenServerIsUnavailable() {
        server.token(200, TestServer.TOKEN).token(503, "").credentials("AKID1", in(SOON));
        TokenServerCredentialsProvider provider = web();
        for (int i = 0; i < 3; i++) {
            assertEquals("AKID1", provider.resolveCredentials().accessKeyId());
        }
        assertEquals(3, server.tokenRequests.size(), "of a token, and of one renewal with two attempts");
    }

    @Test
    void reportsARenewalThatIsRefused() {
        server.token(200, TestServer.TOKEN).token(401, "").token(200, TestServer.TOKEN);
        server.credentials("AKID1", in(SOON)).credentials("AKID2", in(HOUR));
        TokenServerCredentialsProvider provider = web();
        assertEquals("AKID1", provider.resolveCredentials().accessKeyId());
        assertEquals(ErrorClass.TOKEN_REFUSED, failure(provider).errorClass());
        assertEquals("AKID2", provider.resolveCredentials().accessKeyId());
    }

    @Test
    void renewsInTheBackground() throws InterruptedException {
        server.token(200, TestServer.TOKEN).credentials("AKID1", in(SOON)).credentials("AKID2", in(HOUR));
        try (TokenServerCredentialsProvider provider = TokenServerCredentialsProvider.builder().profileName("web")
            .profileFile(
            () -> ProfileFile.builder().type(ProfileFile.Type.CONFIGURATION).content(new ByteArrayInputStream(
                ("[profile web]\nrole_arn=" + ROLE + "\nweb_identity_token_server=" + server.document()).getBytes(
                    StandardCharsets.UTF_8))).build()).asyncCredentialUpdateEnabled(true).build()) {
            assertNotNull(provider.resolveCredentials());
            while (provider.resolveCredentials().accessKeyId().equals("AKID1")) {
                Thread.sleep(10);
            }
        }
    }

    @Test
    void sharesARenewalThatACallerStopsWaitingFor() throws Exception {
        server.token(503, "").token(503, "").token(200, TestServer.TOKEN).credentials("AKID1", in(HOUR));
        System.setProperty("aws.maxAttempts", "3");
        TokenServerCredentialsProvider provider = web();
        Thread.currentThread().interrupt();
        assertThrows(RuntimeException.class, provider::resolveCredentials);
        assertTrue(Thread.interrupted());
        List<CompletableFuture<AwsCredentials>> callers = Stream.generate(
            () -> CompletableFuture.supplyAsync(provider::resolveCredentials)).limit(20).collect(Collectors.toList());
        for (CompletableFuture<AwsCredentials> caller : callers) {
            assertEquals("AKID1", caller.get().accessKeyId());
        }
        assertEquals(1, server.stsRequests.size());
    }

    @Test
    void printsNoSecret() {
        assertFalse(web().toString().contains(server.document()));
        assertFalse(TokenServer.parse(server.document()).toString().contains("Bearer"));
        assertFalse(WebToken.of(TestServer.TOKEN).toString().contains("eyJ"));
    }
}
