"""Compatibility: whether one contract accepts what another does, by rule or by a document that shows the break.

`compare` judges the way from one registry to another. `earlier_folder` takes a schema folder out of git's history.
"""

from godtui.holyfields.compatibility.mode import Mode
from godtui.holyfields.compatibility.revision import RevisionError, earlier_folder
from godtui.holyfields.compatibility.verdicts import Judged, Verdict, compare, judge

__all__ = ["Judged", "Mode", "RevisionError", "Verdict", "compare", "earlier_folder", "judge"]
