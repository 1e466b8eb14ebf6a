package io.github.awstokenserver;

import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.StsClientBuilder;

/** Clients of STS with the region and endpoint that the SDK gives to those for web_identity_token_file. */
final class StsClients {
    private StsClients() {
    }

    /**
     * @param region the profile's region, or null
     */
    static StsClient create(String region, AwsCredentialsProvider credentials) {
        StsClientBuilder builder = StsClient.builder().credentialsProvider(credentials).overrideConfiguration(
            o -> o.retryStrategy(b -> b.retryOnException(StsClients::isProviderOutOfReach)));
        Region resolved = region == null ? defaultRegion() : Region.of(region);
        if (resolved == null) {
            return builder.region(Region.US_EAST_1).endpointOverride(URI.create("https://sts.amazonaws.com")).build();
        }
        return builder.region(resolved).build();
    }

    private static Region defaultRegion() {
        try {
            return new DefaultAwsRegionProviderChain().getRegion();
        } catch (RuntimeException e) {
            return null;
        }
    }

    /** Reports whether STS could not reach the identity provider, which passes. */
    static boolean isProviderOutOfReach(Throwable e) {
        return e instanceof AwsServiceException
            && StsFailure.code((AwsServiceException) e).startsWith("IDPCommunicationError");
    }
}
