package io.github.awstokenserver;

import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.utils.IoUtils;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/** Credentials from the token server that a system property or a variable names. */
final class EnvironmentProvider implements AwsCredentialsProvider, SdkAutoCloseable {
    private final boolean renewsInBackground;

    private AwsCredentialsProvider provider;

    EnvironmentProvider(boolean renewsInBackground) {
        this.renewsInBackground = renewsInBackground;
    }

    @Override
    public AwsCredentials resolveCredentials() {
        return provider().resolveCredentials();
    }

    private synchronized AwsCredentialsProvider provider() {
        if (provider == null) {
            provider = new RoleCredentialsProvider(Setting.ofEnvironment(), renewsInBackground);
        }
        return provider;
    }

    @Override
    public synchronized void close() {
        IoUtils.closeIfCloseableV2(provider, null);
    }
}
