import { isDeepStrictEqual } from 'node:util';
import type { DrillSpec } from '../drill/drill-spec.ts';
import { linkId, type LinkSpec } from '../pair/spec.ts';
import type { DeclaredPolicy } from '../prefix-policy/declared-policy.ts';
import type { SchemaPrimary } from '../schema-primary/schema-primary.ts';
import { sectionNames } from './site-orders.ts';
import type { SiteSpec } from './spec-document.ts';
import type { StatusDocument } from './status-document.ts';

/** One section of the spec: what two writers must not change at once. */
export interface Section<T> {
  readonly name: string;
  read(spec: SiteSpec): T | undefined;
  /** Undefined takes it out. */
  write(spec: SiteSpec, value: T | undefined): SiteSpec;
}

/** Whether everything that is declared is in force. */
export function covers(inForce: SiteSpec, { prefixPolicy, schemaPrimary, links, drills }: SiteSpec): boolean {
  return (
    (prefixPolicy === undefined || isDeepStrictEqual(prefixPolicy, inForce.prefixPolicy)) &&
    (schemaPrimary === undefined || isDeepStrictEqual(schemaPrimary, inForce.schemaPrimary)) &&
    links.every((link) => inForce.links.some((each) => isDeepStrictEqual(each, link))) &&
    inForce.links.length === links.length &&
    (drills === undefined || isDeepStrictEqual(byName(drills), byName(inForce.drills ?? [])))
  );
}

/** A section that was refused is as it is in force: it must not come true with the next declaration of another one. */
export function withoutRefused(spec: SiteSpec, { judged, spec: inForce }: StatusDocument): SiteSpec {
  const name = judged?.refusals.at(-1)?.section;
  if (name === policySection.name) return policySection.write(spec, inForce.prefixPolicy);
  if (name === primarySection.name) return primarySection.write(spec, inForce.schemaPrimary);
  const drill = [...(spec.drills ?? []), ...(inForce.drills ?? [])]
    .map((each) => drillSection(each.name))
    .find((section) => section.name === name);
  if (drill !== undefined) return drill.write(spec, drill.read(inForce));
  const ids = [...spec.links, ...inForce.links].map(linkId);
  const refused = ids.map((id) => linkSection(id, false)).find((section) => section.name === name);
  return refused === undefined ? spec : refused.write(spec, refused.read(inForce));
}

export const policySection: Section<DeclaredPolicy> = {
  name: sectionNames.prefixPolicy,
  read: ({ prefixPolicy }) => prefixPolicy,
  write: ({ prefixPolicy: _before, ...spec }, value) => (value === undefined ? spec : { ...spec, prefixPolicy: value }),
};

export const primarySection: Section<SchemaPrimary> = {
  name: sectionNames.schemaPrimary,
  read: ({ schemaPrimary }) => schemaPrimary,
  write: ({ schemaPrimary: _before, ...spec }, value) =>
    value === undefined ? spec : { ...spec, schemaPrimary: value },
};

export function linkSection(id: string, mayFollow: boolean): Section<LinkSpec> {
  return {
    name: sectionNames.link(id),
    read: ({ links }) => links.find((link) => linkId(link) === id),
    write: ({ links, detach, ...spec }, value) => {
      const others = links.filter((link) => linkId(link) !== id);
      const kept = detach.filter((each) => each !== id);
      if (value === undefined) return { ...spec, links: others, detach: mayFollow ? [...kept, id] : kept };
      const linksNow = [...others, value].toSorted((left, right) => linkId(left).localeCompare(linkId(right)));
      return { ...spec, links: linksNow, detach: kept };
    },
  };
}

export function drillSection(drill: string): Section<DrillSpec> {
  return {
    name: sectionNames.drill(drill),
    read: ({ drills = [] }) => drills.find(({ name }) => name === drill),
    write: ({ drills, ...spec }, value) => {
      if (drills === undefined && value === undefined) return spec;
      const others = (drills ?? []).filter(({ name }) => name !== drill);
      return { ...spec, drills: byName(value === undefined ? others : [...others, value]) };
    },
  };
}

function byName(drills: readonly DrillSpec[]): DrillSpec[] {
  return drills.toSorted((left, right) => left.name.localeCompare(right.name));
}
