/**
 * Credentials of a role for programs that use the AWS SDK for Java, from the OIDC token of a CI system or another
 * token server. {@link io.github.awstokenserver.TokenServerCredentialsProvider} is where to start.
 */
package io.github.awstokenserver;
