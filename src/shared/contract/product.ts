/** The product's name and version, written into exported files, runs and reports. Held equal to package.json by a test. */
export const PRODUCT = { name: 'Quantbench', version: '0.1.0' } as const
