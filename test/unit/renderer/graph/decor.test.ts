import { describe, expect, it } from 'vitest'
import { domainOf, precisionOf, shareOf, type SequentialOverlay } from '../../../../src/renderer/graph/decor.ts'
import { contrast, GRAPH_THEMES, scaleColour, textOn } from '../../../../src/renderer/graph/palette.ts'
import { countText, fitMiddle, shapeText, valueText } from '../../../../src/renderer/graph/text.ts'

const overlayOf = (values: readonly number[], more: Partial<SequentialOverlay> = {}): SequentialOverlay => ({
  kind: 'sequential',
  name: 'size',
  unit: '',
  scale: 'linear',
  combine: 'sum',
  values: new Map(values.map((value, i) => [String(i), { value, estimated: false }])),
  ...more,
})

it.each([
  { weights: null, activations: null, label: 'float', kind: 'float' },
  { weights: 8, activations: 8, label: '8', kind: 'bits8' },
  { weights: 4, activations: 8, label: '4/8', kind: 'bits4' },
  { weights: 8, activations: null, label: '8/f', kind: 'bits8' },
  { weights: null, activations: 16, label: '16', kind: 'bits16' },
  { weights: 3, activations: 3, label: '3', kind: 'other' },
])(
  'a layer with $weights-bit weights and $activations-bit activations wears $label',
  ({ weights, activations, label, kind }) => {
    expect(precisionOf(weights, activations)).toMatchObject({ label, kind })
  },
)

describe('the scale of an overlay', () => {
  it.each([
    { why: 'spans the values', overlay: overlayOf([3, 1, 2]), domain: [1, 3] },
    { why: 'has two ends for one value', overlay: overlayOf([5]), domain: [0, 5] },
    { why: 'has two ends for zero', overlay: overlayOf([0]), domain: [0, 1] },
    { why: 'has two ends for nothing', overlay: overlayOf([]), domain: [0, 1] },
    {
      why: 'leaves out what a logarithm does not know',
      overlay: overlayOf([0, -1, 10, 1000], { scale: 'log' }),
      domain: [10, 1000],
    },
    { why: 'leaves out what is no number', overlay: overlayOf([NaN, Infinity, 1, 2]), domain: [1, 2] },
    { why: 'is what it is told', overlay: overlayOf([3], { domain: [-1, 9] }), domain: [-1, 9] },
  ])('$why', ({ overlay, domain }) => {
    expect(domainOf(overlay)).toEqual(domain)
  })

  it('places numbers between its ends, also by ratio, also upside down', () => {
    expect(shareOf(overlayOf([]), [0, 10], 5)).toBe(0.5)
    expect(shareOf(overlayOf([], { scale: 'log' }), [1, 100], 10)).toBeCloseTo(0.5)
    expect(shareOf(overlayOf([], { scale: 'log' }), [1, 100], 0)).toBe(0)
    expect(shareOf(overlayOf([], { isLowStrong: true }), [0, 10], 1)).toBe(0.9)
    expect(shareOf(overlayOf([]), [0, 10], 99)).toBe(1)
  })
})

describe('the palette', () => {
  it.each(['light', 'dark'] as const)('%s: texts and chips have a contrast of 4.5, rings and edges of 3', (name) => {
    const theme = GRAPH_THEMES[name]
    for (const ground of [theme.page, theme.card, theme.frame]) {
      expect(contrast(theme.text, ground)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(theme.textQuiet, ground)).toBeGreaterThanOrEqual(4.5)
      for (const mark of [theme.accent, theme.changed, ...Object.values(theme.precision)]) {
        expect(contrast(mark, ground)).toBeGreaterThanOrEqual(3)
      }
    }
    for (const hue of Object.values(theme.precision)) expect(contrast(theme.chipText, hue)).toBeGreaterThanOrEqual(4.5)
    expect(contrast(theme.edge, theme.page)).toBeGreaterThanOrEqual(2.5)
  })

  it.each(['light', 'dark'] as const)('%s: the scale goes one way from near the ground to far from it', (name) => {
    const theme = GRAPH_THEMES[name]
    const steps = Array.from({ length: 21 }, (_, i) => contrast(theme.page, scaleColour(theme.scale, i / 20)))
    for (let i = 2; i < steps.length; i++) expect(steps[i]).toBeGreaterThan(steps[i - 1]! * 0.98)
    expect(steps.at(-1)! / steps[0]!).toBeGreaterThan(5)
  })

  it('reads best in black on light and in white on dark', () => {
    expect(textOn('#ffffe0')).toBe('#000000')
    expect(textOn('#0c2c84')).toBe('#ffffff')
  })
})

describe('texts', () => {
  it('writes shapes, counts and values', () => {
    expect(shapeText(['N', 3, null])).toBe('N×3×?')
    expect([shapeText([]), shapeText(null)]).toEqual(['scalar', ''])
    expect([0, 940, 999.6, 1040, 999_499, 999_600, 23_500_000].map(countText)).toEqual([
      '0',
      '940',
      '1.00 k',
      '1.04 k',
      '999 k',
      '1.00 M',
      '23.5 M',
    ])
    expect(valueText(0.0123456, 'ms')).toBe('0.0123 ms')
    expect(valueText(1e-7, '')).toBe('1.0e-7')
    expect(valueText(4_950_993, 'B')).toBe('4.95 M B')
  })

  it('cuts texts to a width, keeping both ends', () => {
    const measure = (text: string): number => text.length
    expect(fitMiddle('short', 10, measure)).toBe('short')
    const cut = fitMiddle('layer1.0.conv1.weight', 10, measure)
    expect(cut).toHaveLength(10)
    expect(cut).toMatch(/^lay.*….*eight$/)
    expect(fitMiddle('anything', 0, measure)).toBe('')
    expect(fitMiddle('x'.repeat(100_000), 20, measure)).toHaveLength(20)
  })
})
