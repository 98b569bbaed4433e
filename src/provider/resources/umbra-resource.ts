import pulumi from '@pulumi/pulumi';
import { providerVersion } from './provider-version.ts';

/** Options of every resource of the provider: the version pins the plugin that serves it. */
export function umbraOptions(opts: pulumi.CustomResourceOptions | undefined): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions({ version: providerVersion }, opts);
}

/** A token is a secret wherever it is passed on. */
export function secretToken(token: pulumi.Input<string> | undefined): { apiToken?: pulumi.Output<string> } {
  return token === undefined ? {} : { apiToken: pulumi.secret(token) };
}
