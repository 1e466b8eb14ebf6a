package io.github.awstokenserver;

import java.util.Optional;
import software.amazon.awssdk.core.SdkSystemSetting;
import software.amazon.awssdk.profiles.Profile;
import software.amazon.awssdk.profiles.ProfileProperty;

/** A setting that names a token server, with its role. The value may hold a secret. */
final class Setting {
    private static final String KEY = "web_identity_token_server";
    private static final String VARIABLE = "AWS_WEB_IDENTITY_TOKEN_SERVER";
    private static final String PROPERTY = "aws.webIdentityTokenServer";

    private final String name;
    private final String value;
    private final String roleArn;
    private final String sessionName;

    private Setting(String name, String value, String roleArn, String sessionName) {
        this.name = name;
        this.value = value;
        this.roleArn = roleArn;
        this.sessionName = sessionName == null ? "aws-sdk-java-" + System.currentTimeMillis() : sessionName;
    }

    static boolean isInEnvironment() {
        return Blanks.trimToNull(System.getProperty(PROPERTY)) != null
            || Blanks.trimToNull(System.getenv(VARIABLE)) != null;
    }

    static boolean isFileInEnvironment() {
        return read(SdkSystemSetting.AWS_WEB_IDENTITY_TOKEN_FILE) != null;
    }

    /** Reads the system property or else the variable, one of which there is. */
    static Setting ofEnvironment() {
        String property = Blanks.trimToNull(System.getProperty(PROPERTY));
        String value = property == null ? Blanks.trimToNull(System.getenv(VARIABLE)) : property;
        String name = property == null ? VARIABLE : "the system property " + PROPERTY;
        if (isFileInEnvironment()) {
            throw TokenServerException.invalid("AWS_WEB_IDENTITY_TOKEN_FILE is set too: unset one of the two").in(name);
        }
        String roleArn = read(SdkSystemSetting.AWS_ROLE_ARN);
        if (roleArn == null) {
            throw TokenServerException.invalid("AWS_ROLE_ARN is not set, and a token server needs a role").in(name);
        }
        return new Setting(name, value, roleArn, read(SdkSystemSetting.AWS_ROLE_SESSION_NAME));
    }

    private static String read(SdkSystemSetting setting) {
        return setting.getStringValue().map(Blanks::trimToNull).orElse(null);
    }

    /** Reads a profile's key, if it has one. */
    static Optional<Setting> of(Profile profile) {
        String value = read(profile, KEY);
        if (value == null) {
            return Optional.empty();
        }
        String name = KEY + " of the profile \"" + profile.name() + "\"";
        if (read(profile, ProfileProperty.WEB_IDENTITY_TOKEN_FILE) != null) {
            throw TokenServerException.invalid(
                "the profile has web_identity_token_file too: remove one of the two").in(name);
        }
        String roleArn = read(profile, ProfileProperty.ROLE_ARN);
        if (roleArn == null) {
            throw TokenServerException.invalid("the profile has no role_arn, and a token server needs a role").in(name);
        }
        return Optional.of(new Setting(name, value, roleArn, read(profile, ProfileProperty.ROLE_SESSION_NAME)));
    }

    private static String read(Profile profile, String key) {
        String value = profile.property(key).orElse(null);
        // Lines that are nested under an empty value come after a line break.
        return value == null || value.startsWith("\n") ? null : Blanks.trimToNull(value);
    }

    /** How an error calls the setting. */
    String name() {
        return name;
    }

    String value() {
        return value;
    }

    String roleArn() {
        return roleArn;
    }

    String sessionName() {
        return sessionName;
    }
}
