import { z } from 'zod';
import { Secret } from '../../kafka/secret.ts';

// Apart from the code that asks: configuration is parsed where no Kafka library is loaded.

const noCredentials = 'must not hold a user name or password: they have fields of their own';

/** How to reach a schema registry over HTTP. */
export const registryConfigSchema = z
  .strictObject({
    /** With the path where the compatible API is, if it has one (`/apis/ccompat/v7`). */
    url: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .refine((url) => new URL(url).username === '' && new URL(url).password === '', noCredentials),
    /** Basic authentication. */
    username: z.string().min(1).optional(),
    password: z
      .string()
      .min(1)
      .transform((value) => new Secret(value))
      .optional(),
    tls: z
      .strictObject({
        /** PEM files. Without `caFile` Node's own roots are trusted. Verification cannot be switched off. */
        caFile: z.string().min(1).optional(),
        certFile: z.string().min(1).optional(),
        keyFile: z.string().min(1).optional(),
        serverName: z.string().min(1).optional(),
      })
      .optional(),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    error: 'needs username and password, or none of both',
  });

export type RegistryConfig = z.output<typeof registryConfigSchema>;
/** The same before parsing, with the password in clear text. */
export type RegistryConfigInput = z.input<typeof registryConfigSchema>;
