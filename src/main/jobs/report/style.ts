/** Colours of reports and figures, light and dark; hues of precision as in the window. Text colours have contrast AA on the page. */
export const COLOURS = {
  page: ['#ffffff', '#1b1c1e'],
  text: ['#1c1d1f', '#e6e7e9'],
  quiet: ['#5b5e63', '#a5a8ae'],
  line: ['#dcdde0', '#3a3c40'],
  int8: ['#1f5fbf', '#7aaaf0'],
  float: ['#6b6e74', '#9da0a6'],
  simulated: ['#9a5b00', '#e0a04a'],
} as const satisfies Record<string, readonly [light: string, dark: string]>

const properties = Object.entries(COLOURS).map(([name, [light, dark]]) => `--${name}: light-dark(${light}, ${dark});`)

/** The report's look: DESIGN section 11 in a few lines. */
export const STYLE = `
:root { color-scheme: light dark; ${properties.join(' ')} }
body { margin: 32px auto; max-width: 1080px; padding: 0 16px; font: 13px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums;
  color: var(--text); background: var(--page); }
h1 { font-size: 20px; font-weight: 600; margin: 0 0 12px; }
h2 { font-size: 15px; font-weight: 600; margin: 28px 0 8px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; color: var(--quiet); white-space: nowrap; }
th, td { padding: 4px 8px; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; overflow-wrap: normal; }
.quiet { color: var(--quiet); margin: 0 0 8px; }
.number { text-align: right; white-space: nowrap; }
.charts { display: flex; flex-wrap: wrap; gap: 24px; margin-top: 16px; }
figure { margin: 0; } figcaption { color: var(--quiet); margin-bottom: 4px; }
svg text { fill: var(--text); font-size: 12px; } rect.float { fill: var(--float); } rect.quantized { fill: var(--int8); }
.chip { border: 1px solid; border-radius: 4px; padding: 0 6px; } .chip.int8 { color: var(--int8); } .chip.float { color: var(--float); }
.chip.simulated { color: var(--simulated); }
.bar { display: inline-block; height: 8px; background: var(--int8); min-width: 1px; }
.warnings { margin: 0 0 8px; padding-left: 20px; }
footer { margin-top: 32px; color: var(--quiet); }
`
