"""The Hugging Face Hub as a shelf of files at pinned commits; its many exceptions turned into one sentence each.

``HF_ENDPOINT`` (another Hub or a mirror), ``HF_HOME``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` mean what they do
to huggingface_hub.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EDQUOT, ENOSPC, EROFS
from pathlib import Path

from avdemo.checkpoints.index import CheckpointRecord
from avdemo.errors import StorageError, WeightsError

HEAD_TIMEOUT_S = 10.0


def endpoint() -> str | None:
    """The Hub to talk to, read at each call; None leaves huggingface_hub its default."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def cached(record: CheckpointRecord) -> Path | None:
    """The file in the Hub cache, unverified; None when it is unpublished or was never fetched. Touches no network."""
    if not record.published:
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(record.repo_id, record.file, revision=record.revision)
    return Path(found) if isinstance(found, str) else None  # the other answers are None and "known not to exist"


def fetch(record: CheckpointRecord, *, again: bool = False) -> Path:
    """Download the file at its pinned commit into the Hub cache (unverified) and say where it is.

    Args:
        again: replace a copy that is already in the cache.

    Raises:
        WeightsError: not published, not found, not allowed, no network, offline mode.
        StorageError: the cache cannot be written.
    """
    if not record.published:
        raise WeightsError(
            f"The checkpoint {record.name} has not been published, so it cannot be downloaded; train it with "
            f"`python -m avdemo train {record.capability}`, or put {record.file} into the weights folder."
        )
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    with spoken(f"The checkpoint {record.name} could not be downloaded from {record.repo_id}"):
        # Asking first costs a request and saves the half minute of retries that hf_hub_download spends without a network.
        url = hf_hub_url(record.repo_id, record.file, revision=record.revision, endpoint=endpoint())
        get_hf_file_metadata(url, timeout=HEAD_TIMEOUT_S, endpoint=endpoint())
        return Path(
            hf_hub_download(record.repo_id, record.file, revision=record.revision, endpoint=endpoint(), force_download=again)
        )


@contextmanager
def spoken(what: str) -> Iterator[None]:
    """Turn whatever huggingface_hub raises into ``what``, the reason, and a way out."""
    import httpx2  # huggingface_hub's own client: its connection errors reach the caller as they are
    from huggingface_hub import errors

    where = endpoint() or "the Hugging Face Hub"
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise WeightsError(f"{what}: offline mode is on; unset HF_HUB_OFFLINE to allow it.") from error
    except errors.GatedRepoError as error:
        raise WeightsError(f"{what}: the repository asks for its terms to be accepted on its page first.") from error
    except errors.RepositoryNotFoundError as error:
        raise WeightsError(
            f"{what}: there is no such repository at {where}, or it is private; log in with `hf auth login` or set HF_TOKEN."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise WeightsError(f"{what}: the repository has no such commit; update this program, whose record pins it.") from error
    except errors.LocalEntryNotFoundError as error:
        raise WeightsError(f"{what}: {where} did not answer as a Hub does; check the network and HF_ENDPOINT.") from error
    except errors.EntryNotFoundError as error:
        raise WeightsError(f"{what}: the file is not in the repository at the pinned commit; update this program.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        way = "log in with `hf auth login` or set HF_TOKEN" if status in (401, 403) else "try again later"
        raise WeightsError(f"{what}: {where} answered {status}; {way}.") from error
    except httpx2.TimeoutException as error:
        raise WeightsError(f"{what}: {where} did not answer in time; check the network and try again.") from error
    except httpx2.HTTPError as error:
        raise WeightsError(f"{what}: {where} cannot be reached; check the network and try again.") from error
    except errors.HFValidationError as error:
        raise WeightsError(f"{what}: a repository is named `owner/name`, in letters, digits, '-', '_' and '.'.") from error
    except errors.XetDownloadError as error:
        raise WeightsError(f"{what}: the transfer broke off; try again, or set HF_HUB_DISABLE_XET=1.") from error
    except OSError as error:
        if error.errno in (EACCES, EDQUOT, ENOSPC, EROFS):
            raise StorageError(
                f"{what}: the Hub cache could not be written ({error.strerror}); free some space or set HF_HOME."
            ) from error
        raise WeightsError(f"{what}: the transfer broke off; try again.") from error
