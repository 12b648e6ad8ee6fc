"""The one door to scikit-learn."""

from bptt.errors import InputError

try:
    from sklearn.base import BaseEstimator as BaseEstimator
    from sklearn.base import ClassifierMixin as ClassifierMixin
    from sklearn.base import RegressorMixin as RegressorMixin
    from sklearn.utils import check_random_state as check_random_state
    from sklearn.utils import column_or_1d as column_or_1d
    from sklearn.utils.multiclass import check_classification_targets as check_classification_targets
    from sklearn.utils.validation import check_consistent_length as check_consistent_length
    from sklearn.utils.validation import check_is_fitted as check_is_fitted
    from sklearn.utils.validation import validate_data as validate_data
except ImportError as error:
    cure = "pip install 'bptt[sklearn]'"
    raise InputError("bptt.estimators", "needs scikit-learn, 1.6 or newer", error, cure) from error
