import { describe, expect, it } from 'vitest'
import { PRODUCT } from '../../../src/shared/contract/product.ts'
import { hasInt8DotProduct, parseCpuinfo, parseSysctl, readEnvironment } from '../../../src/main/engines/environment.ts'

describe('instruction sets', () => {
  it.each([
    {
      why: 'a server CPU with VNNI',
      text: 'processor: 0\nflags\t\t: fpu avx2 avx512f avx512_vnni md_clear\n',
      isa: ['avx2', 'avx512f', 'avx512_vnni'],
    },
    { why: 'a laptop CPU with AVX-VNNI only', text: 'flags : sse4_2 avx2 avx_vnni', isa: ['avx2', 'avx_vnni'] },
    { why: 'an Arm CPU', text: 'Features\t: fp asimd evtstrm asimddp i8mm', isa: ['asimd', 'asimddp', 'i8mm'] },
    { why: 'a name that only begins like a flag', text: 'flags : avx2x avx', isa: [] },
    { why: 'no /proc', text: '', isa: [] },
  ])('of $why', ({ text, isa }) => expect(parseCpuinfo(text)).toEqual(isa))

  it('of macOS', () => {
    expect(
      parseSysctl('hw.optional.arm.FEAT_DotProd: 1\nhw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_I8MM: 0\n'),
    ).toEqual(['asimd', 'asimddp'])
  })

  it('decide whether int8 can be expected to be fast', () => {
    expect(hasInt8DotProduct(['avx2', 'avx512_vnni'])).toBe(true)
    expect(hasInt8DotProduct(['avx2', 'avx512f'])).toBe(false)
  })
})

it('the environment of this machine is complete, plain JSON', () => {
  const environment = readEnvironment()
  expect(JSON.parse(JSON.stringify(environment))).toEqual(environment)
  expect(environment.cpu).not.toBe('')
  expect(environment.cores).toBeGreaterThan(0)
  expect(environment.memoryBytes).toBeGreaterThan(2 ** 28)
  expect(environment.versions).toMatchObject({ quantbench: PRODUCT.version, node: process.versions.node })
  expect(environment.versions['onnxruntime']).toMatch(/^\d+\.\d+\.\d+$/)
})
