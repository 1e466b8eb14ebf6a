package io.github.awstokenserver;

import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.profiles.Profile;
import software.amazon.awssdk.profiles.ProfileProperty;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;
import software.amazon.awssdk.utils.IoUtils;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/** A role that is assumed with the credentials of a source profile, in the way of the SDK. */
final class AssumedRoleProvider implements AwsCredentialsProvider, SdkAutoCloseable {
    private final String name;
    private final String roleArn;
    private final AwsCredentialsProvider source;
    private final StsClient sts;
    private final StsAssumeRoleCredentialsProvider provider;

    AssumedRoleProvider(Profile profile, AwsCredentialsProvider source) {
        this.name = "the profile \"" + profile.name() + "\"";
        this.roleArn = profile.property(ProfileProperty.ROLE_ARN).orElseThrow();
        this.source = source;
        this.sts = StsClients.create(profile.property(ProfileProperty.REGION).orElse(null), source);
        String sessionName = profile.property(ProfileProperty.ROLE_SESSION_NAME)
                                    .orElseGet(() -> "aws-sdk-java-" + System.currentTimeMillis());
        this.provider = StsAssumeRoleCredentialsProvider.builder().stsClient(sts).refreshRequest(
            request -> request.roleArn(roleArn).roleSessionName(sessionName)
                              .externalId(profile.property(ProfileProperty.EXTERNAL_ID).orElse(null))).build();
    }

    @Override
    public AwsCredentials resolveCredentials() {
        try {
            return provider.resolveCredentials();
        } catch (TokenServerException e) {
            throw e;
        } catch (RuntimeException e) {
            String hint = "compare the role's trust policy with the role of the source profile";
            throw StsFailure.of(e, roleArn, "the source profile's role", hint, new Secrets()).in(name);
        }
    }

    @Override
    public void close() {
        IoUtils.closeQuietlyV2(provider, null);
        IoUtils.closeQuietlyV2(sts, null);
        IoUtils.closeIfCloseableV2(source, null);
    }
}
