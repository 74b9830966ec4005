"""What a stage on its way knows of the services whose targets it changes: one of its own, or a group's members."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self

from slipway.promotion.build import Build
from slipway.promotion.groups import MemberLock, package_at
from slipway.promotion.ids import without_run
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.stage_parts import Site


class OfServices:
    """A part of `StageRun`. Services and targets are given by their names.

    The lock of the build's own service has the fence `fence`; those of members stand in `member_locks`.
    """

    plan: StagePlan
    build: Build
    promotion: str
    artifact: str
    pins: dict[str, str]
    fence: int
    goes_back: bool
    live_before: str
    replaced: dict[str, str]
    member_locks: dict[str, MemberLock]
    sites: dict[str, Site]

    @property
    def locks(self) -> tuple[str, ...]:
        """The services whose locks in the environment the stage takes, in the order in which it does: everybody's is
        the same, so nobody waits for who waits for them."""
        return tuple(sorted({self.build.service, *self.plan.members}))

    @property
    def locks_given_back(self) -> tuple[str, ...]:
        """The same in the order of their return. The group's own is first: who does not hold it any more has come to an
        end, whatever it still holds of its members."""
        return (self.build.service, *self.plan.members)

    def service_of(self, target: str) -> str:
        """Whose target it is."""
        return self.plan.group.members.get(target, self.build.service) if self.plan.group else self.build.service

    def version_at(self, service: str) -> str:
        """The version of a service that the build is, or brings."""
        return self.build.version if service == self.build.service else self.build.members.get(service, "")

    def version_of(self, target: str) -> str:
        """The version that the target is to serve."""
        return self.version_at(self.service_of(target))

    def package_of(self, target: str) -> str:
        """The address of what is deployed there; of several artifacts, with spaces between."""
        address = self.plan.group.packages.get(target) if self.plan.group else None
        service = self.service_of(target)
        return self.pinned(package_at(address, service, self.version_at(service)) if address else self.artifact)

    def image_of(self, target: Target) -> str:
        """The image that the target's own job runs; empty where that keeps its own, or is none."""
        if not target.image:
            return ""
        return self.pinned(package_at(target.image, self.service_of(target.name), self.version_of(target.name)))

    @property
    def packages(self) -> list[str]:
        """What is deployed to its targets, and the images that its jobs run; nothing where a job keeps its own."""
        names = [target.name for target in self.plan.targets]
        tests = [(test.runs, name) for test in self.plan.tests for name in (names[:1] if test.once else names)]
        images = [job.image_of(self.service_of(name), self.version_of(name)) for job, name in tests]
        if self.plan.migration:
            images.append(self.plan.migration.runs.image_of(self.build.service, self.build.version))
        images += map(self.image_of, self.plan.targets)
        return [*map(self.package_of, names), *images]

    def pinned(self, package: str) -> str:
        """The same package, each artifact at the address that it was pinned to."""
        return " ".join(self.pins.get(address, address) for address in package.split())

    def fence_at(self, service: str) -> int:
        """The fence of that service's lock; 0 when it is not held."""
        if service == self.build.service:
            return self.fence
        return self.member_locks.get(service, MemberLock()).fence

    def fence_of(self, target: str) -> int:
        """The fence under which the target is written to."""
        return self.fence_at(self.service_of(target))

    def live_before_of(self, target: str) -> str:
        """The version that the lock of its service says was live."""
        service = self.service_of(target)
        own = service == self.build.service
        return self.live_before if own else self.member_locks.get(service, MemberLock()).live

    def with_fences(self, fences: Mapping[str, int]) -> Self:
        """With the fences of these services; what else is known of their locks stays."""
        members = {
            service: replace(self.member_locks.get(service, MemberLock()), fence=fence)
            for service, fence in fences.items()
            if service != self.build.service
        }
        changed: dict[str, Any] = {"member_locks": {**self.member_locks, **members}}
        return replace(self, fence=fences.get(self.build.service, self.fence), **changed)  # type: ignore[type-var]

    def keeps(self, service: str) -> bool:
        """Whether nothing of that member changes: each of its targets served this version before, and so says its
        lock. Its own release stays what it is then, whatever becomes of the group's. What came there with this group,
        when it was promoted before, is the group's again."""
        if service == self.build.service or self.plan.group is None:
            return False
        version, targets = self.version_at(service), self.plan.group.targets_of(service)
        before = self.replaced if self.goes_back else {name: site.previous for name, site in self.sites.items()}
        lock = self.member_locks.get(service, MemberLock())
        is_its_own = lock.live == version and without_run(lock.promotion) != without_run(self.promotion)
        return is_its_own and all(before.get(target) == version for target in targets)

    @property
    def stays(self) -> tuple[str, ...]:
        """Of a group that goes back, the targets at which it had changed nothing."""
        members = [service for service in self.plan.members if self.keeps(service)]
        return tuple(target.name for target in self.plan.targets if self.service_of(target.name) in members)

    def old_side_of(self, target: str) -> str:
        """The version that the release has replaced there; where its own version served already, since it was promoted
        again, what that had replaced by the lock. Empty where nothing is known, or nothing is its own."""
        previous, version = self.sites[target].previous, self.version_of(target)
        if previous == version:
            previous = "" if target in self.stays else self.replaced.get(target, "")
        return previous if previous != version else ""

    @property
    def called(self) -> str:
        """What is released, in words: the version, and of a group its members' versions."""
        members = ", ".join(f"{service} {self.version_at(service)}" for service in self.plan.members)
        return f"{self.build.version} ({members})" if members else self.build.version

    @property
    def served_before(self) -> str:
        """What the targets served before, in words: the versions, of a group member by member; and who said none."""
        found: dict[str, set[str]] = {}
        for name, site in self.sites.items():
            if site.previous:
                found.setdefault(self.service_of(name), set()).add(site.previous)
        names = {service: f"{service} " if self.plan.members else "" for service in found}
        told = ", ".join(
            f"{names[service]}{version}" for service in sorted(found) for version in sorted(found[service])
        )
        silent = [name for name, site in self.sites.items() if not site.previous]
        if not told or not silent:
            return told or "nothing"
        return f"{told}; {', '.join(silent)} {'answer' if silent[1:] else 'answers'} no version"
