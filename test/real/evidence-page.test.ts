import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderEvidencePage } from '../../src/evidence/page/evidence-page.ts';
import { renderTrendPage } from '../../src/evidence/page/trend.ts';
import { sampleContent, sampleYears } from '../evidence/samples.ts';
import { startBrowser } from '../fixtures/browser.ts';
import { computedStyle, pageWidths, seenPlots, tooWide } from '../fixtures/in-page.mjs';
import { testFolder } from '../fixtures/test-root.ts';

/** Screenshots for who wants to look; ignored by git. */
const pictures = join(import.meta.dirname, '..', '..', 'test-output');
const pages = {
  run: renderEvidencePage(sampleContent(), { previous: { sequence: 6, hash: 'ef'.repeat(32) } }),
  trend: renderTrendPage(sampleYears()),
} as const;
const plotsOf = {
  run: ['phases', 'steps-2', 'steps-4', 'canaries', 'exposure'],
  trend: ['year-2026', 'year-2025', 'recovery', 'loss'],
};

type PageName = keyof typeof pages;

let browser: Browser;
let folder = '';

beforeAll(async () => {
  browser = await startBrowser();
  folder = testFolder('evidence-pages');
  mkdirSync(pictures, { recursive: true });
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, `${name}.html`), text);
});

afterAll(async () => {
  await browser.close();
  console.info(`screenshots: ${pictures}`);
});

interface Opened {
  readonly page: Page;
  /** Errors of the console and of scripts, and every request but that for the page itself. */
  readonly heard: readonly string[];
}

async function open(name: PageName, width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const url = pathToFileURL(join(folder, `${name}.html`)).href;
  const heard: string[] = [];
  page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url) heard.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, heard };
}

describe.each(['run', 'trend'] as const)('the page of a %s', (name) => {
  test('opens from a file without an error and asks for nothing', async () => {
    const { page, heard } = await open(name, 1_200);
    await page.screenshot({ path: join(pictures, `evidence-${name}.png`), fullPage: true });
    expect(heard).toEqual([]);
    await page.close();
  });

  test.each([1_200, 390])('shows its plots with every mark inside of them, %i pixels wide', async (width) => {
    const { page } = await open(name, width);
    const plots = await page.evaluate(seenPlots);
    expect(plots.map(({ id }) => id)).toEqual(plotsOf[name]);
    for (const plot of plots) {
      expect(plot, plot.id).toMatchObject({ outside: [], described: true });
      expect(plot.width, plot.id).toBeGreaterThan(300);
      expect(plot.height, plot.id).toBeGreaterThan(60);
      expect(plot.marks, plot.id).toBeGreaterThan(5);
    }
    const widths = await page.evaluate(pageWidths);
    expect(widths.content).toBeLessThanOrEqual(widths.window);
    await page.screenshot({ path: join(pictures, `evidence-${name}-${width}.png`), fullPage: true });
    await page.close();
  });

  test('is dark where the reader has it so, light on paper, and has contrast in both', async () => {
    const { page } = await open(name, 1_200, 'dark');
    const [darkPaper, darkWords] = [await brightness(page, 'background-color'), await brightness(page, 'color')];
    expect(contrast(darkPaper, darkWords)).toBeGreaterThan(7);
    expect(darkPaper).toBeLessThan(0.05);
    await page.screenshot({ path: join(pictures, `evidence-${name}-dark.png`), fullPage: true });
    await page.emulateMedia({ media: 'print' });
    expect(await brightness(page, 'background-color')).toBeGreaterThan(0.95);
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ media: 'screen', colorScheme: scheme });
      for (const selector of ['figcaption', '.verdict, td strong', 'svg text.quiet', 'svg text.value']) {
        const property = selector.startsWith('svg') ? 'fill' : 'color';
        const words = await brightness(page, property, selector);
        const on = await brightness(page, 'background-color');
        expect(contrast(on, words), `${scheme} ${selector}`).toBeGreaterThan(4.5);
      }
    }
    await page.close();
  });

  test('prints to a PDF of A4 pages', async () => {
    const { page } = await open(name, 1_200, 'dark');
    const pdf = await page.pdf({ path: join(pictures, `evidence-${name}.pdf`), preferCSSPageSize: true });
    const text = pdf.toString('latin1');
    expect(text.startsWith('%PDF-')).toBe(true);
    expect(text.match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(1);
    const [, width, height] = /\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(text) ?? [];
    expect([Math.round(Number(width)), Math.round(Number(height))]).toEqual([595, 842]);
    await page.close();
  });

  test('fits onto paper: nothing is wider than it', async () => {
    const { page } = await open(name, 688);
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate(tooWide)).toEqual([]);
    await page.close();
  });
});

/** Relative luminance of a colour as the browser computed it (WCAG 2). */
async function brightness(page: Page, property: string, selector = 'body'): Promise<number> {
  const colour = await page.evaluate(computedStyle, [property, selector] as const);
  const [red = 0, green = 0, blue = 0] = [...colour.matchAll(/[\d.]+/g)].map(([part]) => {
    const value = Number(part) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: number, other: number): number {
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
