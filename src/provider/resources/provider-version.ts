/** Version of the provider and of its classes; a test holds it to package.json. */
export const providerVersion = '0.1.0';
