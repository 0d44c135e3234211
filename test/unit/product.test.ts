import fs from 'node:fs'
import { expect, it } from 'vitest'
import { PRODUCT } from '../../src/shared/contract/product.ts'

it('carries the version of package.json', () => {
  const manifest = JSON.parse(fs.readFileSync('package.json', 'utf8')) as { version: string }
  expect(PRODUCT.version).toBe(manifest.version)
})
