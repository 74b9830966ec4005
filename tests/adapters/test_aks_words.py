"""What AKS tells and is told, apart from any cluster: Helm's records, rollouts, and scripts that a shell can read."""

import base64
import gzip
import json
import subprocess
from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from slipway.adapters.aks import scripts
from slipway.adapters.aks.notes import Note, note_for, note_of
from slipway.adapters.aks.place import Place
from slipway.adapters.aks.revisions import Release, Revision, description, from_history, from_secrets, release_of
from slipway.adapters.aks.rollout import DONE, FAILED, ROLLING, hindered_by, replicas_again, rollout_of

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
PLACE = Place("s", "g", "shop", "shop", "web", "web-{side}", "https://shop.example", {}, False)
OURS = description("2.0.0+build.7", "0123456789ab", "web--2.0.0:prod:weu:deploy:1")


def secret(**record: Any) -> dict[str, Any]:
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(record).encode()))).decode()
    return {"data": {"release": packed}}


def test_helms_record_says_what_we_told_it_whichever_way_it_is_read() -> None:
    info = {"status": "deployed", "description": OURS, "last_deployed": "2026-11-30T12:00:00.123456789Z"}
    by_api = release_of(from_secrets({"items": [secret(version=3, info=info)]}))
    told = {"revision": 3, "status": "deployed", "description": OURS, "updated": "2026-11-30T12:00:00.123456789Z"}
    by_command = release_of(from_history(json.dumps([told])))
    assert by_api == by_command
    assert by_api.holds("2.0.0+build.7", "0123456789ab") and by_api.operation == "web--2.0.0:prod:weu:deploy:1"
    assert release_of([]) == Release() and not Release().pending


def test_a_rollback_by_helm_holds_what_it_went_back_to() -> None:
    revisions = [
        Revision(1, "superseded", OURS, AT),
        Revision(2, "superseded", description("3.0.0", "f" * 12, "op"), AT),
        Revision(3, "superseded", "Rollback to 1", AT),
        Revision(4, "deployed", "Rollback to 3", AT),
        Revision(5, "pending-upgrade", "Preparing upgrade", AT),
    ]
    assert release_of(revisions[:4]).version == "2.0.0+build.7" and release_of(revisions[:4]).number == 4
    pending = release_of(revisions)
    assert pending.pending and pending.version == "" and pending.sound == 4
    assert release_of([Revision(1, "deployed", "Rollback to 1", AT)]).version == "", "and never goes round"


@pytest.mark.parametrize("record", [{}, {"version": 1}, {"version": "x", "info": {"status": "deployed"}}])
def test_a_record_that_is_none_of_helms_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_secrets({"items": [secret(**record)]})
    with pytest.raises(ValueError, match=r".+"):
        from_secrets({"items": [{"data": {"release": base64.b64encode(b"no zip").decode()}}]})
    with pytest.raises(ValueError, match=r".+"):
        from_history(json.dumps([record]))


def deployment(replicas: int, updated: int, available: int, observed: int = 2, reason: str = "") -> dict[str, Any]:
    conditions = (
        [{"type": "Progressing", "status": "False", "reason": reason, "message": "timed out"}] if reason else []
    )
    status = {"observedGeneration": observed, "replicas": max(replicas, available), "updatedReplicas": updated}
    status |= {"availableReplicas": available, "conditions": conditions}
    metadata = {"name": "web-green", "generation": 2}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": status}


def scaler(
    current: int, desired: int, limited: str = "False", target: str = "web-green", least: int = 1, active: str = "True"
) -> dict[str, Any]:
    conditions = [{"type": "ScalingLimited", "status": limited, "reason": "TooManyReplicas"}]
    if active:
        conditions.append({"type": "ScalingActive", "status": active, "reason": "FailedGetResourceMetric"})
    scaled = {"kind": "Deployment", "name": target}
    return {
        "spec": {"minReplicas": least, "maxReplicas": 5, "scaleTargetRef": scaled},
        "status": {"currentReplicas": current, "desiredReplicas": desired, "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("found", "scalers", "state", "words"),
    [
        (deployment(3, 3, 3), [], DONE, ""),
        (deployment(3, 3, 3), [scaler(1, 9, target="another")], DONE, ""),
        (deployment(3, 3, 3, observed=1), [], ROLLING, "not seen yet"),
        (deployment(3, 1, 3), [], ROLLING, "1 of 3 new replicas"),
        (deployment(3, 3, 2), [], ROLLING, "2 of 3 new replicas"),
        (deployment(0, 0, 0), [], ROLLING, "no replicas"),
        (deployment(3, 1, 3, reason="ProgressDeadlineExceeded"), [], FAILED, "timed out"),
        (deployment(3, 3, 3), [scaler(3, 5)], ROLLING, "at 3 of 5 replicas"),
        (deployment(3, 3, 3), [scaler(5, 5)], ROLLING, "at 5 of 5 replicas"),
        (deployment(5, 5, 5), [scaler(5, 5, "True")], DONE, "more than its 5 replicas"),
        (deployment(1, 1, 1), [scaler(1, 0, least=6, active="")], ROLLING, "1 of its autoscaler's least 6"),
        (deployment(1, 1, 1), [scaler(0, 0, active="")], ROLLING, "has not looked yet"),
        (deployment(1, 1, 1), [scaler(0, 0)], ROLLING, "at 0 of 0"),
        (deployment(3, 3, 3), [scaler(3, 0, least=3, active="False")], DONE, "FailedGetResourceMetric"),
    ],
)
def test_a_rollout_is_done_when_all_is_new_and_at_rest(
    found: dict[str, Any], scalers: list[dict[str, Any]], state: str, words: str
) -> None:
    rollout = rollout_of(found, scalers)
    assert rollout.state == state and words in rollout.words


def test_a_stopped_side_is_given_what_it_had_or_its_autoscalers_least() -> None:
    noted = {"metadata": {"name": "web-green", "annotations": {scripts.REPLICAS: "2"}}}
    assert replicas_again(noted, []) == 2
    assert replicas_again(noted, [scaler(0, 0, least=6, target="another")]) == 2
    assert replicas_again(noted, [scaler(0, 0, least=6)]) == 6


def test_a_pod_that_cannot_start_is_named_with_why() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    pods = [{"metadata": {"name": "web-1"}, "status": {}}]
    assert hindered_by(pods) == ("", "")
    pods.append({"metadata": {"name": "web-2"}, "status": {"containerStatuses": [{"state": {"waiting": waiting}}]}})
    assert hindered_by(pods) == ("web-2", "ImagePullBackOff: not found")
    crashing = [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    pods.insert(0, {"metadata": {"name": "web-0"}, "status": {"initContainerStatuses": crashing}})
    assert hindered_by(pods) == ("web-0", "CrashLoopBackOff")


DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("package", "chart", "image"),
    [
        (
            "r.example/c:1 r.example:5000/i:1",
            "oci://r.example/c --version 1",
            "image.repository=r.example:5000/i,image.tag=1",
        ),
        (
            f"r.example/c:1@{DIGEST} r/i@{DIGEST}",
            f"oci://r.example/c@{DIGEST}",
            f"image.repository=r/i,image.digest={DIGEST}",
        ),
        ("r.example/c:1", "oci://r.example/c --version 1", ""),
    ],
)
def test_chart_and_image_are_told_as_helm_takes_them(package: str, chart: str, image: str) -> None:
    unit = scripts.Unit.of(package)
    assert (unit.chart_words, unit.image and unit.image_words) == (chart, image)


@settings(max_examples=25, deadline=None)
@given(some.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text and text.isprintable()))
def test_no_word_from_outside_is_read_by_the_shell(word: str) -> None:
    """What looks like a command, a quote or a pattern arrives as it is."""
    place = Place("s", "g", "c", word, "web", "web-{side}", "", {}, False)
    stuck = Release(2, "pending-upgrade", sound=1)
    script = scripts.upgrade(place, "blue", scripts.Unit(word, word), word, stuck, Note(word), 2)
    history = """echo '[{"revision":2,"status":"pending-upgrade"}]'"""
    shell = f'helm() {{ [ "$1" != history ] || {history}; printf "%s\\n" "$@" >&3; }}'
    told = f'case "$*" in "get "*.spec.replicas*) echo 0 ;; "get configmap"*) echo {quote(word)} ;; esac'
    shell += f'; kubectl() {{ {told}; helm "$@"; }}'
    ran = subprocess.run(
        ["/bin/sh", "-c", f"exec 3>&1 >&2; {shell}; {script}"], capture_output=True, text=True, timeout=10, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    asked = ran.stdout
    assert asked.startswith(f"history\nweb-blue\n-n\n{word}\n") and f"rollback\nweb-blue\n1\n-n\n{word}\n" in asked
    assert f"\n--description\n{word}\n" in asked and f"patch\ndeployments\nweb-blue\n-n\n{word}\n" in asked


@pytest.mark.parametrize(
    ("seen", "now", "done"),
    [
        (Release(3), 3, True),
        (Release(3), 4, False),
        (Release(3), 30, False),
        (Release(), 0, True),
        (Release(), 1, False),
    ],
)
def test_a_command_that_comes_after_somebody_elses_upgrade_does_nothing(seen: Release, now: int, done: bool) -> None:
    script = scripts.upgrade(PLACE, "blue", scripts.Unit("c:1", "i:1"), OURS, seen, Note())
    history = (
        f"""echo '[{{"revision":{now},"status":"deployed"}}]'""" if now else "echo 'Error: release: not found'; false"
    )
    shell = f'kubectl() {{ :; }}; helm() {{ if [ "$1" = history ]; then {history}; else echo upgraded; fi; }}; {script}'
    ran = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=10, check=False)
    assert (ran.returncode, ran.stdout) == ((0, "upgraded\n") if done else (1, ""))
    assert (scripts.MOVED in ran.stderr) == (not done)


NOTE = note_for("web--2.0.0:prod:weu:deploy:1", AT)


@pytest.mark.parametrize(
    ("found", "users", "done", "removed"),
    [
        (NOTE.text, "web-green", True, True),
        (NOTE.text, "web-blue", False, True),
        (NOTE.withdrawn.text, "web-green", False, True),
        (note_for("another", AT).text, "web-green", False, False),
        ("", "web-green", False, False),
    ],
)
def test_a_command_that_nobody_wants_any_more_does_nothing_and_leaves_no_note(
    found: str, users: str, done: bool, removed: bool
) -> None:
    script = scripts.upgrade(PLACE, "blue", scripts.Unit("c:1", "i:1"), OURS, Release(), NOTE)
    looks = f'"get configmap") echo "{found}" ;; "get service") echo {users}'
    kubectl = f'case "$1 $2" in {looks} ;; *) echo removed >&3 ;; esac'
    shell = f'helm() {{ if [ "$1" = history ]; then echo "[]"; else echo upgraded; fi; }}; kubectl() {{ {kubectl}; }}'
    ran = subprocess.run(
        ["/bin/sh", "-c", f"exec 3>&1; {shell}; {script}"], capture_output=True, text=True, timeout=10, check=False
    )
    assert (ran.returncode, "upgraded" in ran.stdout, "removed" in ran.stdout) == (0 if done else 1, done, removed)
    assert (scripts.MOVED in ran.stderr) == (not done)


def test_a_note_is_believed_for_as_long_as_its_command_may_come() -> None:
    read = note_of({"data": {"upgrade": NOTE.text}})
    assert read == NOTE and read.operation == "web--2.0.0:prod:weu:deploy:1"
    assert read.may_come(AT + timedelta(seconds=89)) and not read.may_come(AT + timedelta(seconds=91))
    gone = read.withdrawn
    assert gone.withdrawn == gone and gone.operation == "" and gone.may_come(AT + timedelta(seconds=89))
    assert not note_of(None).may_come(AT) and not Note("by hand").may_come(AT)


def test_an_operation_that_helm_has_carried_out_is_not_carried_out_again() -> None:
    script = scripts.upgrade(PLACE, "blue", scripts.Unit("c:1", "i:1"), OURS, Release(), Note())
    history = json.dumps([{"revision": 1, "status": "deployed", "description": OURS}], separators=(",", ":"))
    shell = f"helm() {{ [ $1 = history ] && echo '{history}' || exit 9; }}; {script}"
    ran = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, timeout=10, check=False)
    assert (ran.returncode, ran.stdout) == (0, "done before\n")
    unreachable = 'helm() { echo "Error: Kubernetes cluster unreachable" >&2; return 1; }; ' + script
    ran = subprocess.run(["/bin/sh", "-c", unreachable], capture_output=True, text=True, timeout=10, check=False)
    assert ran.returncode == 1 and "unreachable" in ran.stderr
