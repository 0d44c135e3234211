import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { OP_HISTORY } from '../../../../../src/main/formats/onnx/upgrade/registry.ts'

interface Golden {
  readonly versions: Readonly<Record<string, string>>
}

const file = path.join(import.meta.dirname, '../../../../golden/onnx-op-versions.json')
const { versions } = JSON.parse(fs.readFileSync(file, 'utf8')) as Golden

describe('the table of operator versions', () => {
  it('has every operator of ai.onnx up to 26 with the versions at which it was defined anew', () => {
    const ours = Object.fromEntries([...OP_HISTORY].map(([name, history]) => [name, history.versions.join(' ')]))
    // experimental in 1, so not among today's schemas
    expect(ours).toEqual({ ...versions, ThresholdedRelu: `1 ${versions['ThresholdedRelu']}` })
  })

  it('has adapters only at versions that changed something', () => {
    for (const [name, { versions: own, adapters, goneAt }] of OP_HISTORY) {
      for (const version of adapters.keys()) expect(own, name).toContain(version)
      // an operator that goes must be replaced where it goes
      if (goneAt !== null) expect(adapters.has(goneAt), name).toBe(true)
    }
  })
})
