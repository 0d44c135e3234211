import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { test, type Page } from '@playwright/test'

/** The two themes that every screen has. */
const THEMES = ['light', 'dark'] as const

/**
 * What axe finds of any weight, as sentences: rule and elements. In one piece and with what is violated alone, it takes a sixth of the time:
 * the window has no frames, for which axe would open a page of its own, and nobody reads the elements that pass.
 */
export async function findings(window: Page): Promise<string[]> {
  const axe = new AxeBuilder({ page: window }).setLegacyMode(true).options({ resultTypes: ['violations'] })
  const { violations } = await axe.analyze()
  return violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  )
}

/**
 * Looks at the window as it is in both themes: axe, and a picture kept as `pictures/NAME-THEME.png` in Playwright's output folder.
 * @returns what axe finds of any weight, by theme
 */
export async function look(window: Page, name: string): Promise<string[]> {
  const found: string[] = []
  const folder = path.join(test.info().project.outputDir, 'pictures')
  for (const colorScheme of THEMES) {
    await window.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await window.waitForTimeout(150) // charts take their colours in a frame of their own
    found.push(...(await findings(window)).map((one) => `${name}, ${colorScheme}: ${one}`))
    await window.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`) })
  }
  return found
}
