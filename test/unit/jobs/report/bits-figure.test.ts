import { describe, expect, it } from 'vitest'
import { bitsSvg } from '../../../../src/main/jobs/report/bits-figure.ts'
import { pointsCsv, type SweepPoint } from '../../../../src/main/jobs/sweep/point.ts'

const none = { loss: null, agreement: null, sqnrDb: null, drop: null, interval: null } as const

function labelled(what: SweepPoint['what'], bits: number, top1: number): SweepPoint {
  const drop = 0.917 - top1
  return { ...none, what, bits, top1, drop, interval: { low: drop - 0.01, high: drop + 0.01 }, bytes: 1000 }
}

const points = [
  labelled('weights', 2, 0.1234),
  labelled('weights', 4, 0.9012),
  labelled('weights', 8, 0.9169),
  labelled('both', 2, 0.1111),
  labelled('both', 4, 0.8888),
  labelled('both', 8, 0.9155),
]
const reference = { top1: 0.917, loss: 0.3, bytes: 4000 }
const figure = { title: 'Accuracy <over> bits & more', about: ['1,000 samples'], points, reference }

/** Fails where a tag is not closed, or closed by another. Enough of XML for what we write: no comments, no CDATA. */
function expectWellFormed(xml: string): void {
  const open: string[] = []
  let rest = xml
  for (const match of xml.matchAll(/<(\/?)([a-zA-Z]+)((?:\s+[a-zA-Z][\w:-]*="[^"<]*")*)\s*(\/?)>/g)) {
    rest = rest.replace(match[0], '')
    const [, closing, name, , alone] = match
    if (alone === '/') continue
    if (closing === '/') expect(open.pop()).toBe(name)
    else open.push(name!)
  }
  expect(open).toEqual([])
  expect(rest).not.toMatch(/[<>]/)
  expect(rest).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/)
}

describe('the figure of accuracy over bits', () => {
  it('is well-formed, without scripts or anything from elsewhere', () => {
    const svg = bitsSvg(figure)
    expectWellFormed(svg)
    expect(svg).toContain('Accuracy &lt;over&gt; bits &amp; more')
    expect(svg).not.toMatch(/<script|href|url\((?!#)|@import|\son[a-z]+=/i)
    expect(svg).toContain('prefers-color-scheme: dark')
  })

  it('writes every value, marks every point within the axis and draws its interval', () => {
    const svg = bitsSvg(figure)
    for (const { top1 } of points) expect(svg).toContain(`>${(100 * top1!).toFixed(2)}</text>`)
    expect(svg).toContain('weights, 4: top-1 (%) 90.12, 95 % 89.12 to 91.12')
    const marks = svg.match(/<g><title>/g)!
    expect(marks).toHaveLength(points.length + 4) // the enlarged diagram leaves out the two at 2 bits
    expect(svg.match(/class="interval"/g)).toHaveLength(marks.length)
    expect(svg).toContain('>float 91.70</text>')
    expect(svg).toContain('top-1 (%)')
  })

  it('puts higher accuracy higher, and equal bits of two curves apart', () => {
    const svg = bitsSvg({ ...figure, points: points.slice(0, 3) })
    const [first] = svg.split('drop of top-1')
    const circles = [...first!.matchAll(/<circle class="mark" cx="([\d.]+)" cy="([\d.]+)"/g)].slice(0, 3)
    const [low, middle, high] = circles.map(([, x, y]) => ({ x: Number(x), y: Number(y) }))
    expect(low!.y).toBeGreaterThan(middle!.y)
    expect(middle!.y).toBeGreaterThan(high!.y)
    expect((high!.x - middle!.x) / (middle!.x - low!.x)).toBeCloseTo(2, 1) // to scale: 4 bits against 2
  })

  it('gives a curve the same hue whatever else is drawn', () => {
    const both = bitsSvg({ ...figure, points: points.slice(3) })
    expect(both).toContain('<g class="hue2"><path class="curve"')
    expect(both).not.toContain('<g class="hue0">')
  })

  it('shows agreement and SQNR without labels, SQNR alone without classes', () => {
    const unlabelled = points.map((point): SweepPoint => ({
      ...point,
      top1: null,
      drop: null,
      agreement: 0.5,
      sqnrDb: 12.34,
    }))
    const svg = bitsSvg({ ...figure, points: unlabelled, reference: { ...reference, top1: null } })
    expect(svg).toContain('agreement of the best class with float (%)')
    expect(svg).toContain('>12.3</text>')
    const classless = unlabelled.map((point) => ({ ...point, agreement: null, interval: null }))
    const plain = bitsSvg({ ...figure, points: classless, reference: { ...reference, top1: null } })
    expectWellFormed(plain)
    expect(plain).not.toContain('agreement')
    expect(plain).toContain('SQNR of the output (dB)')
  })

  it('stands a single value, and values that are all equal', () => {
    const alone = { ...none, what: 'weights' as const, bits: 4, top1: 0.917, drop: 0, bytes: 1 }
    const svg = bitsSvg({ ...figure, points: [alone] })
    expectWellFormed(svg)
    expect(svg).not.toMatch(/NaN|Infinity/)
  })
})

describe('the values as CSV', () => {
  it('has a row a point and one for float, empty where nothing is known', () => {
    const rows = pointsCsv([points[0]!], reference).split('\n')
    expect(rows[0]).toBe('what,bits,top1,loss,agreement,sqnrDb,drop,low,high,bytes')
    expect(rows[1]).toBe('float,32,0.917,0.3,,,,,,4000')
    expect(rows[2]).toMatch(/^weights,2,0\.1234,,,,0\.79/)
    expect(rows[2]!.split(',')).toHaveLength(10)
  })
})
